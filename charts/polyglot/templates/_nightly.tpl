{{- /* The pod of a nightly run: a driver, with the driver's account. */ -}}
{{- define "polyglot.nightly.pod" -}}
{{- $nightly := .Values.nightly -}}
restartPolicy: Never
terminationGracePeriodSeconds: {{ int64 $nightly.graceSeconds }}
serviceAccountName: {{ .Values.driver.name | toJson }}
automountServiceAccountToken: true
enableServiceLinks: false
{{- if $nightly.priorityClassName }}
priorityClassName: {{ $nightly.priorityClassName | toJson }}
{{- end }}
{{- if .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range .Values.imagePullSecrets }}
  - name: {{ . | toJson }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
containers:
  - name: driver
    image: {{ .Values.image | toJson }}
    imagePullPolicy: {{ .Values.imagePullPolicy }}
    args:
      - reevaluate
      - --profile
      - /etc/polyglot/profile.yaml
      {{- range $nightly.studies }}
      - {{ . | replace "$" "$$" | toJson }}
      {{- end }}
    env:
      - {name: HOME, value: /work/home}
      - {name: XDG_CACHE_HOME, value: /work/cache}
      # Of the run's own Job, whose scheduled-timestamp annotation is the run id.
      - name: POLYGLOT_JOB
        valueFrom: {fieldRef: {fieldPath: "metadata.labels['batch.kubernetes.io/job-name']"}}
      - name: POLYGLOT_NAMESPACE
        valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
      {{- if .Values.store.existingSecret }}
      - {name: POLYGLOT_S3_ACCESS_KEY_FILE, value: /var/run/polyglot/store/access-key}
      - {name: POLYGLOT_S3_SECRET_KEY_FILE, value: /var/run/polyglot/store/secret-key}
      {{- end }}
      {{- range $name, $value := .Values.environment }}
      - {name: {{ $name | toJson }}, value: {{ $value | replace "$" "$$" | toJson }}}
      {{- end }}
    {{- $resources := dict "cpu" $nightly.resources.cpu "memory" $nightly.resources.memory "ephemeral-storage" $nightly.resources.ephemeralStorage }}
    resources:
      requests: {{ $resources | toJson }}
      limits: {{ $resources | toJson }}
    securityContext:
      runAsNonRoot: true
      readOnlyRootFilesystem: true
      allowPrivilegeEscalation: false
      capabilities: {drop: [ALL]}
    volumeMounts:
      - {name: work, mountPath: /work}
      - {name: tmp, mountPath: /tmp}
      - {name: profile, mountPath: /etc/polyglot, readOnly: true}
      {{- if .Values.store.existingSecret }}
      - {name: store, mountPath: /var/run/polyglot/store, readOnly: true}
      {{- end }}
      {{- if $nightly.webhookSecret }}
      - {name: webhook, mountPath: /var/run/polyglot/webhook, readOnly: true}
      {{- end }}
volumes:
  - name: work
    emptyDir: {sizeLimit: 1Gi}
  - name: tmp
    emptyDir: {sizeLimit: 1Gi}
  - name: profile
    configMap: {name: {{ .Values.profile.existingConfigMap | default "polyglot-profile" | toJson }}}
  {{- if .Values.store.existingSecret }}
  - name: store
    secret:
      secretName: {{ .Values.store.existingSecret | toJson }}
      defaultMode: 0440
      items: [{key: access-key, path: access-key}, {key: secret-key, path: secret-key}]
  {{- end }}
  {{- if $nightly.webhookSecret }}
  - name: webhook
    secret:
      secretName: {{ $nightly.webhookSecret | toJson }}
      optional: true  # a night goes on without it, and says that nobody was told
      defaultMode: 0440
      items: [{key: url, path: url}]
  {{- end }}
{{- end }}

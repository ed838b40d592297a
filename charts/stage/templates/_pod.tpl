{{- /* What the table of exits does with an interrupted pod. */ -}}
{{- define "stage.interrupted" -}}
{{ if gt (int64 .ranks) 1 }}FailJob{{ else }}Ignore{{ end }}
{{- end }}

{{- /* The pod of one attempt, or of each of its ranks. */ -}}
{{- define "stage.pod" -}}
restartPolicy: Never
terminationGracePeriodSeconds: {{ int64 .graceSeconds }}
serviceAccountName: {{ .serviceAccountName | toJson }}
# Workers have no business with the API.
automountServiceAccountToken: false
enableServiceLinks: false
{{- if .priorityClassName }}
priorityClassName: {{ .priorityClassName | toJson }}
{{- end }}
{{- if .runtimeClassName }}
runtimeClassName: {{ .runtimeClassName | toJson }}
{{- end }}
{{- if .imagePullSecrets }}
imagePullSecrets:
  {{- range .imagePullSecrets }}
  - name: {{ . | toJson }}
  {{- end }}
{{- end }}
{{- if .nodeSelector }}
nodeSelector: {{ .nodeSelector | toJson }}
{{- end }}
{{- if .tolerations }}
tolerations: {{ .tolerations | toJson }}
{{- end }}
{{- if gt (int64 .ranks) 1 }}
# Ranks find each other as <job>-<index>.<subdomain>.
subdomain: {{ .ranksService | toJson }}
affinity: # ranks talk to each other more than to anything else: as few nodes as fit
  podAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector: {matchLabels: {batch.kubernetes.io/job-name: {{ .name | toJson }}}}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
containers:
  - name: worker
    image: {{ .image | toJson }}
    imagePullPolicy: {{ .imagePullPolicy }}
    args: [--request, /etc/polyglot/request.json, --work, /work/attempt, --cache, /work/cache]
    env: {{- include "stage.env" . | nindent 6 }}
    # jobs.worker.container writes the reason of an end; the log, which the other policy falls back to, may hold anything.
    terminationMessagePath: /dev/termination-log
    terminationMessagePolicy: File
    # Requests equal limits: nobody else's load changes what a stage can use.
    resources:
      requests: {{ .resources | toJson }}
      limits: {{ .resources | toJson }}
    securityContext:
      runAsNonRoot: true
      readOnlyRootFilesystem: true
      allowPrivilegeEscalation: false
      capabilities: {drop: [ALL]}
    volumeMounts:
      - {name: work, mountPath: /work}
      - {name: tmp, mountPath: /tmp}
      {{- if .sharedMemory }}
      - {name: shm, mountPath: /dev/shm}
      {{- end }}
      {{- if .storeSecret }}
      - {name: store, mountPath: /var/run/polyglot/store, readOnly: true}
      {{- end }}
      {{- if .judgeSecret }}
      - {name: judge, mountPath: /var/run/polyglot/judge, readOnly: true}
      {{- end }}
      {{- if .deeplSecret }}
      - {name: deepl, mountPath: /var/run/polyglot/deepl, readOnly: true}
      {{- end }}
      {{- if .hubSecret }}
      - {name: hub, mountPath: /var/run/polyglot/hub, readOnly: true}
      {{- end }}
      {{- if .trackerSecret }}
      - {name: trackers, mountPath: /var/run/polyglot/trackers, readOnly: true}
      {{- end }}
volumes:
  - name: work
    emptyDir: {sizeLimit: {{ .scratch | toJson }}}
  - name: tmp
    emptyDir: {sizeLimit: 1Gi}
  {{- if .sharedMemory }}
  - name: shm # counts towards the memory limit
    emptyDir: {medium: Memory, sizeLimit: {{ .sharedMemory | toJson }}}
  {{- end }}
  {{- if .storeSecret }}
  - name: store
    secret:
      secretName: {{ .storeSecret | toJson }}
      defaultMode: 0440
      items: [{key: access-key, path: access-key}, {key: secret-key, path: secret-key}]
  {{- end }}
  {{- if .judgeSecret }}
  - name: judge
    secret:
      secretName: {{ .judgeSecret | toJson }}
      defaultMode: 0440
      items: [{key: api-key, path: api-key}]
  {{- end }}
  {{- if .deeplSecret }}
  - name: deepl
    secret:
      secretName: {{ .deeplSecret | toJson }}
      defaultMode: 0440
      items: [{key: api-key, path: api-key}]
  {{- end }}
  {{- if .hubSecret }}
  - name: hub
    secret:
      secretName: {{ .hubSecret | toJson }}
      defaultMode: 0440
      items: [{key: token, path: token}]
  {{- end }}
  {{- if .trackerSecret }}
  - name: trackers
    secret:
      secretName: {{ .trackerSecret | toJson }}
      defaultMode: 0440
  {{- end }}
{{- end }}

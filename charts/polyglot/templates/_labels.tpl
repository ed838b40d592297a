{{- /* Labels of every object; the argument is the root. */ -}}
{{- define "polyglot.labels" -}}
app.kubernetes.io/name: polyglot
app.kubernetes.io/instance: {{ .Release.Name | toJson }}
app.kubernetes.io/managed-by: {{ .Release.Service | toJson }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | toJson }}
{{- end }}

{{- /* Every pod of polyglot: drivers, the nightly job, stages. */ -}}
{{- define "polyglot.pods" -}}
{matchLabels: {app.kubernetes.io/name: polyglot}}
{{- end }}

{{- /* Addresses that pods may call: a list of {cidr, port}. */ -}}
{{- define "polyglot.peers" -}}
{{- range . }}
- to: [{ipBlock: {cidr: {{ .cidr | toJson }}}}]
  ports: [{protocol: TCP, port: {{ int64 .port }}}]
{{- end }}
{{- end }}

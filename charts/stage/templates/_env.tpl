{{- /* The worker's variables: secrets are files, whose paths these name. */ -}}
{{- define "stage.env" -}}
{{- if .requestPath -}}
- {name: POLYGLOT_REQUEST_PATH, value: {{ .requestPath | replace "$" "$$" | toJson }}}
- {name: POLYGLOT_STORE, value: {{ .storeUrl | replace "$" "$$" | toJson }}}
{{- else -}}
- {name: POLYGLOT_REQUEST, value: {{ .request | replace "$" "$$" | toJson }}}
{{- end }}
- {name: POLYGLOT_IMAGE, value: {{ .image | toJson }}}
- {name: OMP_NUM_THREADS, value: {{ .threads | int64 | toString | toJson }}}
# The root is read-only: whatever a library writes lies under /work.
- {name: HOME, value: /work/home}
- {name: XDG_CACHE_HOME, value: /work/cache/xdg}
- {name: HF_HOME, value: /work/cache/huggingface}
- {name: TRITON_CACHE_DIR, value: /work/cache/triton}
- {name: TORCHINDUCTOR_CACHE_DIR, value: /work/cache/inductor}
- {name: CUDA_CACHE_PATH, value: /work/cache/cuda}
- {name: MPLCONFIGDIR, value: /work/cache/matplotlib}
{{- if .storeSecret }}
- {name: POLYGLOT_S3_ACCESS_KEY_FILE, value: /var/run/polyglot/store/access-key}
- {name: POLYGLOT_S3_SECRET_KEY_FILE, value: /var/run/polyglot/store/secret-key}
{{- end }}
{{- if .judgeSecret }}
- {name: OPENAI_API_KEY_FILE, value: /var/run/polyglot/judge/api-key}
{{- end }}
{{- if .deeplSecret }}
- {name: DEEPL_AUTH_KEY_FILE, value: /var/run/polyglot/deepl/api-key}
{{- end }}
{{- if .hubSecret }}
- {name: HF_TOKEN_PATH, value: /var/run/polyglot/hub/token}
{{- end }}
{{- if .trackerSecret }}
- {name: POLYGLOT_TRACKER_KEYS, value: /var/run/polyglot/trackers}
{{- end }}
{{- if gt (int64 .ranks) 1 }}
- {name: POLYGLOT_RANKS, value: {{ .ranks | int64 | toString | toJson }}}
- name: POLYGLOT_RANK
  valueFrom: {fieldRef: {fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']"}}
- {name: MASTER_ADDR, value: {{ printf "%s-0.%s" .name .ranksService | toJson }}}
- {name: MASTER_PORT, value: "29500"}
{{- end }}
{{- range $name, $value := .environment }}
- {name: {{ $name | toJson }}, value: {{ $value | replace "$" "$$" | toJson }}}
{{- end }}
{{- end }}

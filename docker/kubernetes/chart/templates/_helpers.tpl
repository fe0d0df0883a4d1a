{{- define "permafrost.name" -}}
{{- printf "%s" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "permafrost.selector" -}}
app.kubernetes.io/name: permafrost
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "permafrost.labels" -}}
{{ include "permafrost.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "permafrost.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "permafrost.endpoint" -}}
tcp://{{ include "permafrost.name" . }}-coordinator:7070
{{- end }}

{{- /* Where others reach a pod of a group of workers: of the root, the group, and the pod or a pattern of pods. */}}
{{- define "permafrost.advertise" -}}
{{- $root := index . 0 -}}
{{- $name := printf "%s-%s" (include "permafrost.name" $root) (index . 1).name -}}
{{- $pod := index . 2 | replace "*" (printf "%s-*" $name) -}}
{{- $root.Values.workers.advertise | default (printf "tcp://$(POD_NAME).%s:7071" $name) | replace "$(POD_NAME)" $pod -}}
{{- end }}

{{- define "permafrost.scrape" -}}
prometheus.io/scrape: "true"
prometheus.io/port: "9464"
prometheus.io/path: /metrics
{{- end }}

{{- /* What every role is told. */}}
{{- define "permafrost.roleArgs" -}}
- --http=0.0.0.0:9464
- --log-format={{ .Values.logFormat }}
{{- end }}

{{- define "permafrost.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "permafrost.containerSecurity" -}}
image: {{ include "permafrost.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities: { drop: [ALL] }
{{- end }}

{{- define "permafrost.podName" -}}
env:
    - name: POD_NAME
      valueFrom: { fieldRef: { fieldPath: metadata.name } }
{{- end }}

{{- define "permafrost.probes" -}}
startupProbe:
    httpGet: { path: /healthz, port: http }
    periodSeconds: 5
    failureThreshold: 60
livenessProbe:
    httpGet: { path: /healthz, port: http }
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 6
readinessProbe:
    httpGet: { path: /readyz, port: http }
    periodSeconds: 5
    timeoutSeconds: 5
{{- end }}

{{- /* A secret's files belong to root; a role refuses a key that others may read. So it gets its own copy, in memory. */}}
{{- define "permafrost.ownKeys" -}}
{{- $root := index . 0 -}}
initContainers:
    - name: keys
      {{- include "permafrost.containerSecurity" $root | nindent 6 }}
      {{- include "permafrost.podName" $root | nindent 6 }}
      command: [/usr/bin/install, -m, "0400", -t, /keys]
      args: {{ toJson (index . 1) }}
      resources:
          requests: { cpu: 10m, memory: 16Mi }
          limits: { memory: 64Mi }
      volumeMounts:
          - { name: secret, mountPath: /secret, readOnly: true }
          - { name: keys, mountPath: /keys }
{{- end }}

{{- define "permafrost.modelsVolume" -}}
- name: models
  persistentVolumeClaim:
      claimName: {{ .Values.models.existingClaim | default (printf "%s-models" (include "permafrost.name" .)) }}
      readOnly: true
- name: tmp
  emptyDir: { sizeLimit: 64Mi }
{{- end }}

{{- define "permafrost.modelsMounts" -}}
- { name: models, mountPath: /models, readOnly: true }
- { name: tmp, mountPath: /tmp }
{{- end }}

{{- /* A worker that comes or goes costs the run a moment: one at a time, and slowly down. */}}
{{- define "permafrost.scaling" -}}
behavior:
    scaleDown:
        stabilizationWindowSeconds: 300
        policies: [{ type: Pods, value: 1, periodSeconds: 120 }]
    scaleUp:
        policies: [{ type: Pods, value: 1, periodSeconds: 60 }]
{{- end }}

{{- define "permafrost.claim" -}}
accessModes: [{{ .mode }}]
{{- with .class }}
storageClassName: {{ . }}
{{- end }}
resources: { requests: { storage: {{ .size }} } }
{{- end }}

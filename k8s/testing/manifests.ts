import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { projectRoot } from '../../platform/process/project-root.js';
import { runCheckTool } from './check-tools.js';

/** An object of Kubernetes, as far as tests look at it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec: Spec;
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

export interface Metadata {
  readonly name: string;
  readonly labels?: Labels;
  readonly annotations?: Labels;
}

export type Labels = Readonly<Record<string, string>>;

/** Whatever a kind has there. The schemas have been checked by kubeconform. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Spec = any;

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: {
      readonly secretKeyRef?: { readonly name: string; readonly key: string };
      readonly configMapKeyRef?: { readonly name: string; readonly key: string };
    };
  }[];
  readonly envFrom?: readonly { readonly configMapRef?: { readonly name: string } }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe?: Spec;
  readonly readinessProbe?: Spec;
  readonly livenessProbe?: Spec;
  readonly lifecycle?: Spec;
}

/** The overlays that there are. */
export const overlayNames = readdirSync(join(projectRoot, 'k8s', 'overlays')).sort();

/** An overlay as kustomize renders it. */
export class Overlay {
  private constructor(
    readonly name: string,
    readonly text: string,
    readonly manifests: readonly Manifest[],
  ) {}

  static async render(name: string): Promise<Overlay> {
    const { ok, output, stdout } = await runCheckTool('kustomize', ['build', `k8s/overlays/${name}`]);
    assert.ok(ok, output);
    return new Overlay(
      name,
      stdout,
      parseAllDocuments(stdout).map((document) => document.toJS() as Manifest),
    );
  }

  all(kind: string): Manifest[] {
    return this.manifests.filter((manifest) => manifest.kind === kind);
  }

  find(kind: string, name: string): Manifest | undefined {
    return this.all(kind).find(({ metadata }) => metadata.name === name);
  }

  get(kind: string, name: string): Manifest {
    const found = this.find(kind, name);
    assert.ok(found, `${this.name} has no ${kind} ${name}`);
    return found;
  }

  /** Everything that makes pods, with its pods. */
  get workloads(): { readonly owner: Manifest; readonly labels: Labels; readonly pod: Spec }[] {
    return this.manifests.flatMap((owner) => {
      const { kind, spec } = owner;
      const template = kind === 'CronJob' ? spec.jobTemplate.spec.template : spec?.template;
      return template === undefined ? [] : [{ owner, labels: template.metadata.labels, pod: template.spec }];
    });
  }

  /** What a container gets for its variables; a Secret's value comes as `secret NAME/KEY`. */
  environmentOf({ env = [], envFrom = [] }: Container): Record<string, string> {
    const variables: Record<string, string> = {};
    for (const { configMapRef } of envFrom) {
      assert.ok(configMapRef, 'envFrom with something else than a ConfigMap');
      Object.assign(variables, this.get('ConfigMap', configMapRef.name).data);
    }
    for (const { name, value, valueFrom } of env) {
      const secret = valueFrom?.secretKeyRef;
      variables[name] = value ?? (secret ? `secret ${secret.name}/${secret.key}` : 'something of the cluster');
    }
    return variables;
  }
}

/** All containers of a pod, the initial ones first. */
export function containersOf(pod: Spec): Container[] {
  return [...((pod.initContainers ?? []) as Container[]), ...(pod.containers as Container[])];
}

/** Does the selector (labels only) choose what bears these labels? */
export function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

import type { RequestChecks } from '../../../../platform/kernel/request-checks.js';
import type { UpdateThread } from '../domain/thread-command.js';

export interface ThreadUpdateFields {
  readonly title?: string | undefined;
  readonly remarks?: string | undefined;
  /** Names of fields as the .proto has them. Absent or empty: the fields that are present. */
  readonly updateMask?: readonly string[] | undefined;
}

const fields = ['title', 'remarks'] as const;

/** What an update changes, by its field mask (AIP-134). */
export function parseThreadUpdate(
  checks: RequestChecks,
  { title, remarks, updateMask = [] }: ThreadUpdateFields,
  limits: { readonly titleLength: number; readonly remarksLength: number },
): Pick<UpdateThread, 'title' | 'remarks' | 'clearsRemarks'> {
  const mask = new Set(updateMask.includes('*') ? [...updateMask, ...fields] : updateMask);
  updateMask.forEach((path, index) => {
    if (path === '*' || (fields as readonly string[]).includes(path)) return;
    checks.add(`updateMask[${index}]`, { kind: 'malformed', expected: '"title", "remarks" or "*"' });
  });
  const isMasked = mask.size > 0;
  if (!isMasked && title === undefined && remarks === undefined) checks.add('updateMask', { kind: 'empty' });

  const changesTitle = isMasked ? mask.has('title') : title !== undefined;
  if (changesTitle && title === undefined) checks.add('title', { kind: 'missing' });
  const changesRemarks = isMasked ? mask.has('remarks') : remarks !== undefined;
  return {
    title: changesTitle ? checks.text('title', title ?? '', { maximum: limits.titleLength }) : undefined,
    remarks:
      changesRemarks && remarks !== undefined
        ? checks.text('remarks', remarks, { maximum: limits.remarksLength })
        : undefined,
    clearsRemarks: changesRemarks && remarks === undefined,
  };
}

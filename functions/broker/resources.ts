import type { Kind } from '../../adapters/contract.ts'
import { insertBinding, touchBindings, wantAbsent } from '../../db/queries/bindings.ts'
import type { Context } from '../context.ts'
import type { Write } from './commit.ts'
import { epochOf } from './epoch.ts'

/** Writes that bring a resource across the line: for the batch that admits its row. */
export const bindTo = (
  context: Context,
  kind: Kind,
  resource: { id: string; projectId: string },
  cloudId: string,
  zone: string | null = null,
  scope = '',
): Write =>
  insertBinding(context.db, {
    kind,
    resourceId: resource.id,
    cloudId,
    scope,
    projectId: resource.projectId,
    zone,
    token: context.newId(),
    epoch: epochOf(context.now()),
    now: context.now(),
  })

/** What the user wants of a resource has changed: wherever it is realised there is work to do. */
export const changed = (context: Context, kind: Kind, id: string): Write =>
  touchBindings(context.db, kind, id, context.now())

/** It shall be nowhere any more; the rows above the line may go at once or when the last cloud has let go. */
export const unwanted = (context: Context, kind: Kind, ids: string | string[]): Write =>
  wantAbsent(context.db, kind, ids, context.now())

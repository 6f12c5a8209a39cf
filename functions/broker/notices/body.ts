import type { Notice } from '../../../db/queries/line/notices.ts'

/** A notice as it is told, by whatever way. */
export const told = ({ id, seq, type, at, projectId, kind, resourceId, data }: Notice) => ({
  type,
  timestamp: new Date(at).toISOString(),
  id,
  seq,
  project_id: projectId,
  resource: { kind, id: resourceId },
  data,
})

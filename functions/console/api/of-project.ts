import { asker } from './ask.ts'

/**
 * A path of the network service with the project of the session as a filter: to administrators it lists the things of all
 * projects otherwise. Of a token for no project the path as it is.
 */
export const ofProject = (path: string): string => {
  const id = asker.projectId()
  return id ? `${path}${path.includes('?') ? '&' : '?'}project_id=${encodeURIComponent(id)}` : path
}

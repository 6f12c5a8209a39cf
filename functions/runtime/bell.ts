import type { LocalDatabase } from '../../db/sqlite.ts'
import type { Host } from '../context.ts'

/** Says when something was told to a project: heard from the database, behind the commit, of whatever this process writes. */
export const bellOf = (d1: LocalDatabase): NonNullable<Host['onTold']> => {
  const listening = new Map<string, Set<() => void>>()
  d1.onInsert('notices', 'project_id', (projects) => {
    for (const project of projects) for (const heard of listening.get(project) ?? []) heard()
  })
  return (project, heard) => {
    const others = listening.get(project) ?? new Set()
    listening.set(project, others.add(heard))
    return () => {
      others.delete(heard)
      if (others.size === 0 && listening.get(project) === others) listening.delete(project)
    }
  }
}

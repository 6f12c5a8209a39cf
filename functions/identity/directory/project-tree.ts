import { projectsOfUser } from '../../../db/queries/identity/grants.ts'
import {
  hasChildren,
  isAboveEnabled,
  isBelowDisabled,
  isBranchClosed,
  isClosed,
} from '../../../db/queries/identity/holding.ts'
import type { ProjectRow } from '../../../db/queries/identity/identity.ts'
import { projectsAbove, projectsBelow } from '../../../db/queries/identity/project-tree.ts'
import type { Context } from '../../context.ts'
import { badRequest, forbidden } from '../../http/fault.ts'
import type { Rule } from '../rules.ts'
import { flagOf } from '../views.ts'

/** How deep projects may be below their domain: `max_project_tree_depth` of Keystone. */
const DEEPEST = 5

type Ids = { [id: string]: Ids | null } | null

/** What a project is below, from the nearest on, its domain included: `{parent: {…: {domain: null}}}`. */
const parentsAsIds = (row: ProjectRow, above: ProjectRow[]): Ids => {
  const parent = above.find(({ id }) => id === row.parentId)
  return parent ? { [parent.id]: parentsAsIds(parent, above) } : { [row.domainId]: null }
}

const subtreeAsIds = (id: string, below: ProjectRow[]): Ids => {
  const children = Map.groupBy(below, ({ parentId }) => parentId)
  const from = (parent: string): Ids => {
    const own = children.get(parent)
    return own ? Object.fromEntries(own.map((each) => [each.id, from(each.id)])) : null
  }
  return from(id)
}

/**
 * What a view of a project shows of the tree if it is asked to: lists have the projects in which the caller has a role, ids
 * all of them. 400 for both at once.
 */
export const treeOf = async <V>(
  { db, caller }: Context,
  row: ProjectRow,
  query: Record<string, string | undefined>,
  view: (row: ProjectRow) => V,
): Promise<{ parents?: Ids | { project: V }[]; subtree?: Ids | { project: V }[] }> => {
  const asked = (name: string) => flagOf(query[name]) ?? false
  for (const side of ['parents', 'subtree'])
    if (asked(`${side}_as_list`) && asked(`${side}_as_ids`))
      throw badRequest(`Cannot use ${side}_as_list and ${side}_as_ids query params at the same time.`)
  const lists = asked('parents_as_list') || asked('subtree_as_list')
  const own = lists ? new Set((await projectsOfUser(db, caller!.userId)).map(({ id }) => id)) : null
  const listed = (rows: ProjectRow[]) => rows.filter(({ id }) => own?.has(id)).map((each) => ({ project: view(each) }))
  const up = asked('parents_as_list') || asked('parents_as_ids') ? await projectsAbove(db, row.id) : null
  const down = asked('subtree_as_list') || asked('subtree_as_ids') ? await projectsBelow(db, row.id) : null
  return {
    ...(up ? { parents: asked('parents_as_list') ? listed(up) : parentsAsIds(row, up) } : {}),
    ...(down ? { subtree: asked('subtree_as_list') ? listed(down) : subtreeAsIds(row.id, down) } : {}),
  }
}

const inDisabled = (id: string) =>
  badRequest(`cannot create a project in a branch containing a disabled project: ${id}`)

/** What has to hold of the place of a new project when it is written: its depth cannot change, whether it is there and enabled may. */
export const branchHolds = ({ domainId, parentId }: Pick<ProjectRow, 'domainId' | 'parentId'>): Rule[] => [
  { violated: isClosed(domainId), refusal: inDisabled(domainId) },
  ...(parentId === null ? [] : [{ violated: isBranchClosed(parentId), refusal: inDisabled(parentId) }]),
]

/** 400 below a disabled project, 403 below too many: what a new project may not be below. */
export const assertBranch = async ({ db }: Context, parent: ProjectRow): Promise<void> => {
  const branch = [parent, ...(await projectsAbove(db, parent.id))]
  const disabled = branch.find(({ enabled }) => !enabled)
  if (disabled) throw inDisabled(disabled.id)
  if (branch.length >= DEEPEST) throw forbidden(`Max hierarchy depth reached for ${parent.id} branch.`)
}

const disabledAbove = (id: string) => forbidden(`Cannot enable project ${id} since it has disabled parents`)
const enabledBelow = (id: string) =>
  forbidden(`Cannot disable project ${id} since its subtree contains enabled projects.`)

/** The same, for the batch. */
export const stateHolds = ({ id, enabled: was }: ProjectRow, enabled: boolean): Rule[] => {
  if (enabled === was) return []
  return enabled
    ? [{ violated: isBelowDisabled(id), refusal: disabledAbove(id) }]
    : [{ violated: isAboveEnabled(id), refusal: enabledBelow(id) }]
}

/** 403 for a state that what is above or below does not let a project have (keystone/resource/core.py, `_update_project`). */
export const assertState = async ({ db }: Context, row: ProjectRow, enabled: boolean): Promise<void> => {
  if (enabled === row.enabled) return
  if (enabled && (await projectsAbove(db, row.id)).some((each) => !each.enabled)) throw disabledAbove(row.id)
  if (!enabled && (await projectsBelow(db, row.id)).some((each) => each.enabled)) throw enabledBelow(row.id)
}

/** A project goes only if none is below it; 403. */
export const isLeaf = (id: string): Rule => ({
  violated: hasChildren(id),
  refusal: forbidden(
    `Cannot delete the project ${id} since it is not a leaf in the hierarchy. Use the cascade option if you want to delete a whole subtree.`,
  ),
})

import type { ComponentType } from 'preact'

/** What a page is given: what its path and its query say. */
export interface PageProps {
  params: Record<string, string>
  query: URLSearchParams
}

/** Where a page stands in the menu. */
export type Room = 'Project' | 'Administration'

export interface Page {
  /** `/servers/:id`; the first that fits a path is drawn. */
  path: string
  /** Its place and name in the menu; absent: it is reached from others. */
  menu?: { room: Room; name: string }
  /** Whom it is shown to; the services decide by themselves. */
  who?: 'admin'
  /** Its module, which is fetched when somebody goes there. */
  load: () => Promise<{ default: ComponentType<PageProps> }>
}

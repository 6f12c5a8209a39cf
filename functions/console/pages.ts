import type { Page } from './page.ts'

/** Every page: the menu and the router follow from this list. */
export const PAGES: Page[] = [
  { path: '/', menu: { room: 'Project', name: 'Overview' }, load: () => import('./pages/overview/overview.tsx') },
  { path: '/servers', menu: { room: 'Project', name: 'Servers' }, load: () => import('./pages/servers/servers.tsx') },
  { path: '/servers/new', load: () => import('./pages/servers/create.tsx') },
  { path: '/servers/:id', load: () => import('./pages/servers/server.tsx') },
  {
    path: '/networks',
    menu: { room: 'Project', name: 'Networks' },
    load: () => import('./pages/networks/networks.tsx'),
  },
  { path: '/networks/:id', load: () => import('./pages/networks/network.tsx') },
  { path: '/networks/groups/:id', load: () => import('./pages/networks/security-group.tsx') },
  { path: '/volumes', menu: { room: 'Project', name: 'Volumes' }, load: () => import('./pages/volumes/volumes.tsx') },
  { path: '/images', menu: { room: 'Project', name: 'Images' }, load: () => import('./pages/images/images.tsx') },
  { path: '/images/:id', load: () => import('./pages/images/image.tsx') },
  { path: '/access', menu: { room: 'Project', name: 'Access' }, load: () => import('./pages/access/access.tsx') },
]

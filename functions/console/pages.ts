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
  { path: '/bursts', menu: { room: 'Project', name: 'Bursts' }, load: () => import('./pages/bursts/bursts.tsx') },
  { path: '/bursts/:id', load: () => import('./pages/bursts/burst.tsx') },
  { path: '/costs', menu: { room: 'Project', name: 'Costs' }, load: () => import('./pages/costs/costs.tsx') },
  {
    path: '/webhooks',
    menu: { room: 'Project', name: 'Webhooks' },
    load: () => import('./pages/webhooks/webhooks.tsx'),
  },
  { path: '/webhooks/:id', load: () => import('./pages/webhooks/webhook.tsx') },
  { path: '/journal', menu: { room: 'Project', name: 'Journal' }, load: () => import('./pages/journal/journal.tsx') },
  {
    path: '/clouds',
    menu: { room: 'Administration', name: 'Clouds' },
    who: 'admin',
    load: () => import('./pages/clouds/clouds.tsx'),
  },
  { path: '/clouds/register', who: 'admin', load: () => import('./pages/clouds/register.tsx') },
  { path: '/clouds/:name', who: 'admin', load: () => import('./pages/clouds/cloud.tsx') },
  {
    path: '/upkeep',
    menu: { room: 'Administration', name: 'Upkeep' },
    who: 'admin',
    load: () => import('./pages/upkeep/upkeep.tsx'),
  },
  {
    path: '/identity',
    menu: { room: 'Administration', name: 'Identity' },
    who: 'admin',
    load: () => import('./pages/identity/identity.tsx'),
  },
  { path: '/identity/projects/:id', who: 'admin', load: () => import('./pages/identity/project.tsx') },
]

/** Where the broker has what a story makes at Horizon. */
export const NET = '/network/v2.0'
export const SERVERS = '/compute/v2.1/servers'
export const VOLUMES = '/volume/v3/volumes'
/** The server of the story, as it is made and as it is then renamed. */
export const GUEST = 'horizon-guest'
export const OTHER = 'horizon-renamed'

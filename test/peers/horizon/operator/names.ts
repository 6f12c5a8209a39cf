/** What an administrator gives whatever is made at Horizon for a name. */
export const NAME = 'horizon-thing'
export const IDENTITY = '/identity/v3'

/** What each cloud takes when nothing else is said. It is always there, and no cloud's own. */
export const DEFAULT_TYPE = 'default'

import journal from './migrations/meta/_journal.json' with { type: 'json' }

/** Migrations of the program's own database, as they are recorded where they were applied. A Worker has no folder to look into. */
export const MIGRATIONS = journal.entries.map(({ tag }) => `${tag}.sql`)

/** The same for the state of embedded clouds. */
export const CLOUD_STATE_MIGRATIONS = ['0000_cloud_state.sql', '0001_user_data.sql']

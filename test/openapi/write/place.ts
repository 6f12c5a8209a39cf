/** What is being written about. */
export const place = { service: '', resource: '', operation: '' }

/** Where secrets of users are sealed for: table, row and column. Whatever is added here, `reseal.ts` has to walk. */

export const userDataPlace = (serverId: string): string => `servers/${serverId}/user_data`
/** What a user sent for all members of a burst. */
export const burstDataPlace = (burstId: string): string => `bursts/${burstId}/user_data`
/** What was asked with an idempotency key, and what was answered. */
export const askedPlace = (key: string): string => `repeatables/${key}/body_hash`
export const answerPlace = (key: string): string => `repeatables/${key}/answer`
export const webhookPlace = (webhookId: string): string => `webhooks/${webhookId}/secret`
export const previousSecretPlace = (webhookId: string): string => `webhooks/${webhookId}/previous_secret`
/** Where a domain's users are kept, with passwords for it. */
export const domainConfigPlace = (domainId: string): string => `domain_configs/${domainId}/config`
/** Secrets of OAuth: of a program, of what it asks for, of what it was given. */
export const consumerPlace = (id: string): string => `consumers/${id}/secret`
export const requestTokenPlace = (id: string): string => `request_tokens/${id}/secret`
export const accessTokenPlace = (id: string): string => `access_tokens/${id}/secret`
/** What a user keeps here for others to ask for. */
export const credentialPlace = (credentialId: string): string => `credentials/${credentialId}/blob`

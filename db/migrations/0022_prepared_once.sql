DROP INDEX `server_actions_by_request`;
CREATE INDEX `server_actions_by_request` ON `server_actions` (substr(request_id, 5, 8));
DROP INDEX `bindings_sealed`;
CREATE INDEX `bindings_sealed` ON `bindings` (substr(frozen ->> 'userData', 1, 12)) WHERE frozen ->> 'userData' IS NOT NULL;

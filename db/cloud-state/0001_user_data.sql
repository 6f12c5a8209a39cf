-- Embedded clouds run nothing, so they need not keep what a guest would run.
UPDATE `cloud_state`
SET `value` = json_set(`value`, '$.guest', json_object('userDataBytes', length(rtrim(`value`->>'$.spec.userData', '=')) * 3 / 4, 'authorized', NULL), '$.spec.userData', NULL)
WHERE `value`->>'$.kind' = 'server' AND `value`->>'$.spec.userData' IS NOT NULL;

ALTER TABLE `journal` ADD `global_request_id` text;
-- Answers that were kept in the clear: what they speak of is found by the ids that follow from the seed.
UPDATE `repeatables` SET `answer` = NULL;

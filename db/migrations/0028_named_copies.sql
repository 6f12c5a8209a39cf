ALTER TABLE `bindings` ADD `named` integer DEFAULT false NOT NULL;
ALTER TABLE `bindings` ADD `share` real;
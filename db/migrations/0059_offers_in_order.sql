CREATE UNIQUE INDEX `clouds_in_order` ON `clouds` (`position`,`name`);
CREATE INDEX `offers_in_order` ON `offers` (`cloud_id`,`ram_mib`,`vcpus`,`name`);
ALTER TABLE `bindings` ADD `trace` text;
ALTER TABLE `notices` ADD `trace` text;
CREATE TRIGGER notices_traced AFTER INSERT ON notices
WHEN EXISTS (SELECT 1 FROM bindings WHERE resource_id = NEW.resource_id AND trace IS NOT NULL)
BEGIN
  UPDATE notices SET trace = (SELECT trace FROM bindings WHERE resource_id = NEW.resource_id AND trace IS NOT NULL LIMIT 1)
    WHERE project_id = NEW.project_id AND seq = NEW.seq;
END;

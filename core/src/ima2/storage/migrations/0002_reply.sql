-- What a request that is answered in words has brought.

ALTER TABLE job ADD COLUMN reply TEXT;

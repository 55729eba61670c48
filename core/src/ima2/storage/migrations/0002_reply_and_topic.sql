-- What a request that is answered in words has brought.

ALTER TABLE job ADD COLUMN reply TEXT;

-- The clips of a topic, newest first.

CREATE INDEX artifact_by_topic
    ON artifact (json_extract(sidecar, '$.videoSeries.topic'), created_at DESC, filename DESC)
    WHERE trashed_at IS NULL;

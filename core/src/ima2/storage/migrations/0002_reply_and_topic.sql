-- What a request that is answered in words has brought.

ALTER TABLE job ADD COLUMN reply TEXT;

-- The clips of a topic, newest first. An odd sidecar has none, and is stored all the same.

CREATE INDEX artifact_by_topic
    ON artifact (
        CASE WHEN json_valid(sidecar) THEN json_extract(sidecar, '$.videoSeries.topic') END,
        created_at DESC,
        filename DESC
    )
    WHERE trashed_at IS NULL;

-- In which batches did sound leave before the picture that belongs to it? Empty under PIPELINE with the picture's branch first.
.parameter init
INSERT OR IGNORE INTO temp.sqlite_parameters VALUES (':session', (SELECT max(session) FROM sessions));

SELECT stage, batch,
    min(CASE WHEN frame_type LIKE '%Audio%' THEN position END) AS audio_at,
    min(CASE WHEN frame_type LIKE '%Image%' THEN position END) AS image_at
FROM release_order
WHERE session = :session AND frame_order = 'recorded' AND direction = 'downstream'
GROUP BY stage, batch
HAVING audio_at < image_at
ORDER BY stage, batch;

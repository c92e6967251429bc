-- Which batches would come out in another order under the other frame order, and from which place on?
.parameter init
INSERT OR IGNORE INTO temp.sqlite_parameters VALUES (':session', (SELECT max(session) FROM sessions));

SELECT d.stage, d.batch, d.direction, count(*) AS places, min(d.position) AS from_position,
    group_concat(d.arrival_type || '#' || d.arrival_frame_id, ' ') AS under_arrival,
    group_concat(d.pipeline_type || '#' || d.pipeline_frame_id, ' ') AS under_pipeline
FROM (SELECT * FROM order_diff WHERE session = :session ORDER BY stage, batch, direction, position) AS d
GROUP BY d.stage, d.batch, d.direction
ORDER BY d.stage, d.batch, d.direction DESC;

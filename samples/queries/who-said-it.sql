-- In which sessions was something said? .parameter set :words "'%weather%'" (without it: every text that came in).
.parameter init
INSERT OR IGNORE INTO temp.sqlite_parameters VALUES (':words', '%');

SELECT t.session, s.name, t.seq, t.at_ms, t.text
FROM sessions AS s
    JOIN timeline AS t ON t.session = s.session
WHERE t.event = 'inbound' AND t.text LIKE :words
ORDER BY t.session, t.seq;

-- Run once, when the data directory is made. `projector rebuild` makes the read model anew in a second database.
GRANT ALL ON `threadweaver\_\_rebuild`.* TO 'threadweaver'@'%';
GRANT ALL ON `threadweaver\_\_replaced`.* TO 'threadweaver'@'%';

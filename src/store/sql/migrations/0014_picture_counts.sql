-- Pictures that each account and each administrator sent on a day of Beijing, and their bytes.
CREATE TABLE picture_counts (
    day                  BIGINT NOT NULL,             -- days since 1970
    sender               TEXT NOT NULL,               -- account:ID or admin:ID
    pictures             BIGINT NOT NULL,
    bytes                BIGINT NOT NULL,
    PRIMARY KEY (day, sender)
);

-- A head picture that is replaced goes at once, unless an account or a chat line still shows it.
CREATE INDEX accounts_of_picture ON accounts (head_img) WHERE head_img LIKE '/uploads/%';
CREATE INDEX publications_of_picture ON publications (head_img) WHERE head_img LIKE '/uploads/%';

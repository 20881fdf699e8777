-- The four rights over cases (R54-R57): whoever was an officer before could give opinions, and decided joint cases of
-- his department where he decided at all. Posts stay as they were; what they may do now stands in them.

UPDATE tidehall.account
SET posts = (
    SELECT jsonb_agg(
        CASE
            WHEN post.value ->> 'post' = 'officer'
            THEN post.value || jsonb_build_object(
                'opine', true, 'coordinate', COALESCE((post.value ->> 'decide')::boolean, false)
            )
            ELSE post.value
        END
        ORDER BY post.place
    )
    FROM jsonb_array_elements(posts) WITH ORDINALITY AS post (value, place)
)
WHERE posts @> '[{"post": "officer"}]';

-- A producer whose months add up to nothing (earned, and taken back in a later one) has no part in what was earned, so does
-- not make a fifth: the API counts so too (services/aggregates.py). Run by events/migrate.py as the owner.

CREATE OR REPLACE FUNCTION ministry.earned()
RETURNS TABLE (producer text, village text, region text, earned_tyiyn bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT s.producer::text, m.village::text, m.region::text, sum(s.earned_tyiyn)::bigint
    FROM income.income_statements s JOIN income.income_makers m ON m.maker = 'producer/' || s.producer
    WHERE m.region <> ''
    GROUP BY 1, 2, 3 HAVING sum(s.earned_tyiyn) <> 0;
END $$;

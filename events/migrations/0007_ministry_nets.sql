-- What the ministry may see, made anew in two respects. Run by events/migrate.py as the owner.
--
-- A producer whose months add up to nothing (earned, and taken back in a later one) has no part in what was earned, so does
-- not make a fifth: the API counts so too (services/aggregates.py).
--
-- Sums are `numeric`, as PostgreSQL adds them: many rows together may come to more than a bigint, and a view that casts
-- such a sum tells nobody anything. A column's type is changed only by making the view anew, and what it reads with it.

DROP VIEW ministry.income_by_village, ministry.income_by_region, ministry.sales_by_year;
DROP FUNCTION ministry.sums, ministry.judged, ministry.earned, ministry.sales;

-- What closed months stated for each producer whose home is known. For the functions below only.
CREATE FUNCTION ministry.earned() RETURNS TABLE (producer text, village text, region text, earned_tyiyn numeric)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT s.producer::text, m.village::text, m.region::text, sum(s.earned_tyiyn)
    FROM income.income_statements s JOIN income.income_makers m ON m.maker = 'producer/' || s.producer
    WHERE m.region <> ''
    GROUP BY 1, 2, 3 HAVING sum(s.earned_tyiyn) <> 0;
END $$;

-- Groups of fewer than five who earned are hidden; are those fewer than five together too, the smallest other groups are
-- hidden with them, so that the difference to a known total tells no more. Each scope is judged for itself. For the
-- functions below only.
CREATE FUNCTION ministry.judged(by_village boolean)
RETURNS TABLE (scope text, key text, producers bigint, earned_tyiyn numeric, is_hidden boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH grouped AS (
        SELECT CASE WHEN by_village THEN e.region ELSE '' END AS scope,
               CASE WHEN by_village THEN e.village ELSE e.region END AS key,
               count(*) AS producers, sum(e.earned_tyiyn) AS earned_tyiyn
        FROM ministry.earned() e GROUP BY 1, 2
    ), ordered AS (
        SELECT g.*, bool_or(producers < 5) OVER (PARTITION BY scope) AS some_are_few,
               coalesce(sum(producers) OVER (PARTITION BY scope ORDER BY producers, key COLLATE "C"
                                             ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS smaller
        FROM grouped g
    )
    SELECT scope, key, producers, earned_tyiyn, producers < 5 OR (some_are_few AND smaller < 5) FROM ordered
$$;

-- Sums by region, or by village within each region that is told by itself: the villages of one that is hidden among others
-- would give the others away. What is hidden is told as `others` when it is of five at least, and otherwise not at all.
CREATE FUNCTION ministry.sums(by_village boolean)
RETURNS TABLE (region text, key text, producers bigint, earned_tyiyn numeric)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH judged AS (
        SELECT j.* FROM ministry.judged(by_village) j
        WHERE NOT by_village OR j.scope IN (SELECT r.key FROM ministry.judged(false) r WHERE NOT r.is_hidden)
    )
    SELECT scope, key, producers, earned_tyiyn FROM judged WHERE NOT is_hidden
    UNION ALL
    SELECT scope, 'others', sum(producers)::bigint, sum(earned_tyiyn) FROM judged WHERE is_hidden
    GROUP BY scope HAVING sum(producers) >= 5
$$;

-- Takings of shops, which are nobody's income.
CREATE FUNCTION ministry.sales() RETURNS TABLE (year integer, channel text, units numeric, gross_tyiyn numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT left(l.sale_month, 4)::integer, l.channel::text, sum(l.units), sum(l.gross_tyiyn)
    FROM income.income_lines l GROUP BY 1, 2;
END $$;

CREATE VIEW ministry.income_by_village AS
SELECT region, key AS village, producers, earned_tyiyn FROM ministry.sums(true);
CREATE VIEW ministry.income_by_region AS SELECT key AS region, producers, earned_tyiyn FROM ministry.sums(false);
CREATE VIEW ministry.sales_by_year AS SELECT year, channel, units, gross_tyiyn FROM ministry.sales();

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ministry FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ministry.sums, ministry.sales TO ovop_ministry;
GRANT SELECT ON ministry.income_by_village, ministry.income_by_region, ministry.sales_by_year TO ovop_ministry;

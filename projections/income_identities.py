"""The identities of money: A1, A2 and A3.

Each returns what breaks it, by key and number; nothing means that it holds.
"""

from projections.base import Connection

#: At most so many failures are named; one is enough to stop at.
FAILURES_MAX = 20


def _failures(connection: Connection, statement: str) -> list[str]:
    rows = connection.execute(f"{statement} LIMIT {FAILURES_MAX}".encode()).fetchall()
    return [row[0] for row in rows]


def a1_postings_sum_to_zero(connection: Connection) -> list[str]:
    """A1: all postings sum to 0, in every line, every closed pool and every adjustment."""
    return _failures(
        connection,
        """
        SELECT format('line %s/%s of %s: gross %s, parts %s', position, row, ref, gross_tyiyn, parts) FROM (
            SELECT *, makers_tyiyn::numeric + workshop_tyiyn + outlet_tyiyn + brand_tyiyn + fund_tyiyn
                      + suspense_tyiyn AS parts
            FROM income_lines
        ) AS l WHERE gross_tyiyn <> parts
        UNION ALL
        SELECT format('closed pool %s of %s %s: pool %s, earned %s', batch, region, period, makers_tyiyn, earned) FROM (
            SELECT *, (SELECT sum(part) FROM unnest(earned_tyiyn) AS u (part)) AS earned FROM income_earned
        ) AS e WHERE makers_tyiyn IS DISTINCT FROM earned OR cardinality(producers) <> cardinality(earned_tyiyn)
        UNION ALL
        SELECT format('adjustment %s of %s %s: sums to %s', position, batch, origin_period, total) FROM (
            SELECT *, (SELECT sum(part) FROM unnest(adjusted_tyiyn) AS u (part)) AS total FROM income_adjustments
        ) AS a WHERE total <> 0 OR cardinality(producers) <> cardinality(adjusted_tyiyn)
        """,
    )


def a2_sales_are_shared_whole(connection: Connection) -> list[str]:
    """A2: per sale, sales - voids - returns = makers + suspense + workshop + outlet + brand + fund; and so in the sums.

    The same money is counted a second way: the pools against the lines behind them, the monthly sums against the lines.
    """
    return _failures(
        connection,
        """
        SELECT format('%s: net of voids and returns %s, shared %s', ref, gross, parts) FROM (
            SELECT ref, sum(gross_tyiyn) AS gross, sum(makers_tyiyn::numeric + workshop_tyiyn + outlet_tyiyn
                   + brand_tyiyn + fund_tyiyn + suspense_tyiyn) AS parts FROM income_lines GROUP BY ref
        ) AS r WHERE gross <> parts
        UNION ALL
        SELECT format('pool %s of %s %s: %s, its lines %s', batch, region, period, pool, lines) FROM (
            SELECT batch, region, period, coalesce(p.makers_tyiyn, 0) AS pool, coalesce(l.makers, 0) AS lines
            FROM income_pools p FULL JOIN (
                SELECT batch, region, period, sum(makers_tyiyn) AS makers FROM income_lines WHERE region <> ''
                GROUP BY 1, 2, 3
            ) AS l USING (batch, region, period)
        ) AS both_ways WHERE pool <> lines
        UNION ALL
        SELECT format('sales of %s %s %s: %s, its lines %s', channel, place, sale_month, gross, lines) FROM (
            SELECT channel, place, sale_month, coalesce(s.gross_tyiyn, 0) AS gross, coalesce(l.gross, 0) AS lines,
                   coalesce(s.makers_tyiyn, 0) <> coalesce(l.makers, 0) AS differs
            FROM income_sales s FULL JOIN (
                SELECT channel, place, sale_month, sum(gross_tyiyn) AS gross, sum(makers_tyiyn) AS makers
                FROM income_lines GROUP BY 1, 2, 3
            ) AS l USING (channel, place, sale_month)
        ) AS both_ways WHERE gross <> lines OR differs
        """,
    )


def a3_earned_is_paid_or_owed(connection: Connection) -> list[str]:
    """A3: earned = paid + owed per producer.

    Earned is summed anew from closed pools and the adjustments of closed months, paid from the payments; both against
    the account and its running balance.
    """
    return _failures(
        connection,
        """
        WITH parts AS (
            SELECT e.period, e.region, u.producer, u.tyiyn FROM income_earned e
            CROSS JOIN LATERAL unnest(e.producers, e.earned_tyiyn) AS u (producer, tyiyn)
            UNION ALL
            SELECT a.period, a.region, u.producer, u.tyiyn FROM income_adjustments a
            JOIN income_periods c ON c.region = a.region AND c.period = a.period
            CROSS JOIN LATERAL unnest(a.producers, a.adjusted_tyiyn) AS u (producer, tyiyn)
        ), earned AS (
            SELECT producer, sum(tyiyn) AS tyiyn FROM parts GROUP BY producer
        ), stated AS (
            SELECT producer, sum(earned_tyiyn) AS tyiyn FROM income_statements GROUP BY producer
        ), paid AS (
            SELECT producer, sum(CASE kind WHEN 'reversal' THEN -amount_tyiyn ELSE amount_tyiyn END) AS tyiyn
            FROM income_payments GROUP BY producer
        )
        SELECT format('%s: earned %s (statements %s, account %s), paid %s, owed %s', producer, earned, stated, account,
                      paid, owed) FROM (
            SELECT producer, coalesce(e.tyiyn, 0) AS earned, coalesce(s.tyiyn, 0) AS stated,
                   coalesce(p.tyiyn, 0) AS paid, coalesce(a.earned_tyiyn, 0) AS account,
                   coalesce(a.owed_tyiyn, 0) AS owed
            FROM earned e FULL JOIN stated s USING (producer) FULL JOIN paid p USING (producer)
            FULL JOIN income_accounts a USING (producer)
        ) AS sums WHERE earned <> stated OR earned <> account OR earned <> paid + owed
        """,
    )

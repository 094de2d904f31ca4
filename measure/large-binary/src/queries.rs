//! The queries to the service, with `{n}` for a number. They use most of SQL, so that most of the engine allocates.

/// Templates of queries. Each is sent with several numbers.
pub(crate) const TEMPLATES: &[&str] = &[
    "SELECT status, count(*), sum(amount), avg(amount), max(placed) FROM orders WHERE customer % 97 = {n} GROUP BY status",
    "SELECT c.country, sum(o.amount) AS total FROM orders o JOIN customers c ON o.customer = c.id
     WHERE o.amount > {n} GROUP BY c.country HAVING sum(o.amount) > 10 ORDER BY total DESC LIMIT 10",
    "SELECT customer, placed, row_number() OVER (PARTITION BY customer ORDER BY placed) AS nth,
     sum(amount) OVER (PARTITION BY customer ORDER BY placed ROWS BETWEEN 3 PRECEDING AND CURRENT ROW) AS recent
     FROM orders WHERE customer BETWEEN {n} * 100 AND {n} * 100 + 90",
    "SELECT customer, array_agg(sku ORDER BY placed) AS skus FROM orders WHERE customer / 200 = {n} GROUP BY customer",
    "SELECT upper(name) AS name, substr(email, 1, 12) AS email, regexp_replace(email, '@mail(\\d+)', '#\\1') AS masked,
     length(name) + {n} AS size, concat_ws('-', country, name) AS label FROM customers WHERE email LIKE '%{n}@%'",
    "SELECT date_trunc('day', placed) AS day, count(*), approx_distinct(customer), approx_percentile_cont(amount, 0.9)
     FROM orders WHERE customer % 7 < {n} % 7 + 1 GROUP BY day ORDER BY day",
    "WITH big AS (SELECT customer, sum(amount) AS total FROM orders GROUP BY customer)
     SELECT name, total FROM customers JOIN big ON id = customer WHERE total > (SELECT avg(total) + {n} FROM big)
     ORDER BY total DESC LIMIT 2000",
    "SELECT name FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer = c.id AND o.amount > 880 + {n})
     AND NOT EXISTS (SELECT 1 FROM events e WHERE e.customer = c.id AND e.kind = 'pay')",
    "SELECT id FROM customers WHERE id % 50 = {n} UNION SELECT customer FROM orders WHERE id % 999 = {n}
     EXCEPT SELECT customer FROM events WHERE duration < 90",
    "SELECT tag, count(*) FROM (SELECT unnest(tags) AS tag FROM orders WHERE customer % 41 = {n}) GROUP BY tag",
    "SELECT country, median(balance), stddev(balance), corr(id, balance), var_pop(id) FROM customers
     WHERE id > {n} GROUP BY country",
    "SELECT o.id, o.sku, e.kind, e.payload FROM orders o FULL JOIN events e ON o.customer = e.customer AND o.id = e.duration
     WHERE o.customer = {n} OR e.customer = {n}",
    "WITH RECURSIVE steps(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM steps WHERE n < 20 + {n}) SELECT sum(n) FROM steps",
    "SELECT CASE WHEN amount < 100 THEN 'small' WHEN amount < {n} * 20 THEN 'medium' ELSE 'large' END AS size,
     coalesce(nullif(status, 'open'), 'new') AS state, count(*) FROM orders GROUP BY size, state",
    "SELECT sha256(email) AS hash, md5(name) AS short, encode(arrow_cast(name, 'Binary'), 'base64') AS text
     FROM customers WHERE id % 40 = {n}",
    "SELECT named_struct('name', name, 'country', country) AS who, make_array(id, id + {n}) AS ids, map([name], [balance])
     FROM customers WHERE id % 30 = {n}",
    "SELECT customer, first_value(sku ORDER BY placed) AS first, last_value(sku ORDER BY placed) AS last, min(amount)
     FROM orders WHERE customer % 31 = {n} GROUP BY customer",
    "SELECT customer, lag(amount) OVER w AS before, ntile(4) OVER w AS quarter, rank() OVER w FROM orders
     WHERE customer % 211 = {n} WINDOW w AS (PARTITION BY customer ORDER BY amount DESC)",
    "SELECT DISTINCT ON (customer) customer, sku, amount FROM orders WHERE customer % 29 = {n} ORDER BY customer, amount DESC",
    "SELECT kind, count(*), sum(duration), count(DISTINCT customer) FROM archive WHERE customer % 13 <> {n} GROUP BY kind",
    "SELECT payload FROM archive WHERE payload ~ 'products/{n}\\d' AND kind IN ('view', 'search', 'add') LIMIT 3000",
    "SELECT kind, customer % 10 AS digit, sum(duration) FROM events WHERE customer % 19 < {n} + 2 GROUP BY CUBE (kind, digit)",
    "SELECT a.name, b.name FROM customers a CROSS JOIN customers b WHERE a.id < 40 AND b.id < 2 * {n} AND a.id < b.id",
    "SELECT kind, string_agg(payload, ';') FROM events WHERE customer % 301 = {n} GROUP BY kind",
    "SELECT to_char(placed, '%Y-%m') AS month, cast(sum(amount) AS DECIMAL(18, 2)), count(*) FILTER (WHERE amount > {n})
     FROM orders GROUP BY month",
    "SELECT * FROM orders ORDER BY amount DESC, id LIMIT {n} * 50",
    "SELECT e.*, o.amount FROM events e JOIN orders o ON e.customer = o.customer AND e.at BETWEEN o.placed AND o.placed +
     INTERVAL '1 day' WHERE e.customer % 101 = {n}",
    "SELECT split_part(payload, '\"', 4) AS page, avg(duration), bool_or(duration > 50000) FROM events
     WHERE customer % 23 = {n} GROUP BY page",
    "SELECT t.attribute_0, u.attribute_1, t.attribute_2 FROM tenant_{n} t LEFT JOIN tenant_0 u ON t.attribute_1 = u.attribute_1",
    "SELECT array_sort(array_distinct(array_agg(kind))) AS kinds, customer FROM events WHERE customer % 37 = {n} GROUP BY customer",
];

/// A template with a number in it.
pub(crate) fn query(template: &str, n: usize) -> String {
    template.replace("{n}", &n.to_string())
}

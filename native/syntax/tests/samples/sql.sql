-- Things to sell.
CREATE TABLE shop.items (
  id INT PRIMARY KEY,
  name TEXT
);

CREATE VIEW cheap AS SELECT id FROM items WHERE price < lower(3);
CREATE INDEX items_name ON items (name);
CREATE FUNCTION total(n INT) RETURNS INT AS $$ SELECT 1 $$ LANGUAGE sql;

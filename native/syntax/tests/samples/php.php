<?php
namespace Shop;

use Shop\Stock\Item;
use function Shop\helper;
require_once 'config.php';

const LIMIT = 3;

/** Sells. */
class Store extends Place implements Seller
{
    private int $size = 0;
    const TAX = 1;

    public function __construct(Item $item) { parent::__construct($item); }

    /** Sells one. */
    public function sell(string $name): ?Item
    {
        $twice = function ($n) { return $n * 2; };
        return $this->find(helper($name), new Item());
    }
}

interface Seller { public function sell(string $name): ?Item; }
trait Named { function name() { return static::label(); } }
enum State { case Open; }
function total(array $items) { return array_sum($items); }

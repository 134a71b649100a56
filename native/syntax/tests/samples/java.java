package shop;

import java.util.List;
import static java.lang.Math.*;

/** Sells. */
@Service
public class Shop<T> extends Place implements Seller<T>, Closeable {
    private static final int MAX = 3;
    private List<Item> items = new ArrayList<>();

    public Shop(int size) { super(size); }

    /** Sells one. */
    @Override
    public T sell(String name) throws SaleException {
        items.forEach(item -> item.price());
        return lookup(name);
    }

    enum State { OPEN, CLOSED; boolean isOpen() { return this == OPEN; } }
    interface Seller<T> { T sell(String name); }
    record Item(String name) { Item { check(name); } }
}

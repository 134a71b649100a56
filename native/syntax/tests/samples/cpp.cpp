#include <vector>
#include "shop.hpp"

namespace shop {

/// Sells.
template <typename T>
class Shop : public Place, private base::Seller<T> {
public:
    explicit Shop(int size) : size_(size) {}
    ~Shop();
    virtual int sell(const std::string &name) = 0;
    int size() const { return size_; }
private:
    int size_;
};

using Names = std::vector<std::string>;

}  // namespace shop

int shop::Shop::sell(const std::string &name) {
    auto twice = [](int n) { return n * 2; };
    Item *item = new Item(std::max<int>(1, 2));
    return item->price() + twice(1);
}

bool operator==(const Item &a, const Item &b) { return same(a, b); }

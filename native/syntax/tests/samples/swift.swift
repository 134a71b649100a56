import Foundation

let limit = 3

/// Sells.
@objc
class Store: Place, Seller {
    var size: Int = 0

    init(size: Int) { self.size = size }

    func sell(_ name: String) -> Item? {
        let twice = { (n: Int) in n * 2 }
        return items.first(where: { $0.matches(name) }) ?? Item(name)
    }
}

struct Point { let x: Int }
enum State { case open, closed }
protocol Seller { func sell(_ name: String) -> Item? }
extension Store { func close() {} }
typealias Names = [String]
func total(_ items: [Item]) -> Int { return items.count }

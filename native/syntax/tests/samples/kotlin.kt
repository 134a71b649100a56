package shop

import kotlin.math.max
import a.b.C as D

const val LIMIT = 3
typealias Names = List<String>

/** Sells. */
@Service
class Shop(val size: Int) : Place(size), Seller {
    private val items: List<Item> = listOf()

    override fun sell(name: String): Item = items.first { it.matches(name) }

    companion object {
        fun create() = Shop(max(1, 2))
    }
}

interface Seller {
    fun sell(name: String): Item
}
enum class State { OPEN, CLOSED }
object Registry {
    fun clear() {}
}
fun String.shout(): String { return uppercase() }

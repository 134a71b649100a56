using System;
using System.Collections.Generic;

namespace Shop
{
    /// <summary>Sells.</summary>
    [Serializable]
    public class Store<T> : Place, ISeller<T>
    {
        private readonly List<Item> items = new List<Item>();
        public int Size { get; set; }

        public Store(int size) { Size = size; }

        public T Sell(string name) => Find(name)?.Price();

        private Item Find(string name)
        {
            int Twice(int n) { return n * 2; }
            return items.First(item => item.Matches(Twice(1)));
        }
    }

    public interface ISeller<T> { T Sell(string name); }
    public enum State { Open, Closed }
    public struct Point { public int X; }
    public delegate void Handler(Item item);
}

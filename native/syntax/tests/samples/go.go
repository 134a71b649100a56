// Package shop sells.
package shop

import (
	"fmt"
	str "strings"
)

// Max is the most.
const Max = 3

var (
	first  = 1
	second = build()
)

// Shop sells things.
type Shop[T any] struct {
	*Base
	items map[string]Item
}

type (
	// Seller sells.
	Seller interface {
		Sell(name string) error
	}
	Id = string
)

// Sell sells one.
func (s *Shop[T]) Sell(name string) error {
	local := func() {}
	local()
	return fmt.Errorf("no %s", str.ToUpper(name))
}

func New(items ...Item) *Shop[int] {
	return &Shop[int]{items: nil}
}

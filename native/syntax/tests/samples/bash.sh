#!/bin/bash
. ./lib.sh
source "config.sh"

LIMIT=3

# Greets.
greet() {
  local name=$1
  echo "hi $(whoami) $name"
}

function leave {
  greet "$LIMIT"
}

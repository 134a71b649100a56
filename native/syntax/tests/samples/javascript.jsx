import React, { useState as state } from "react";
import * as api from './api';
const fs = require("fs");
export { helper } from "./helper.js";

const LIMIT = 10;

/** Adds. */
export function add(a, b) {
  const inner = () => a + b;
  return inner();
}

export default class Panel extends React.Component {
  count = 0;
  onClick = async () => { this.save(); };
  static #secret() {}

  // Draws it.
  render() {
    return <Button onPress={this.onClick}><span/></Button>;
  }
}

const double = (n) => n * 2, triple = function (n) { return n * 3; };

module.exports.run = function () {
  return api.fetch(new Request(double(LIMIT)));
};

export const handlers = {
  open: () => fs.open(),
  'on-close': function* () {},
  toggle() { import("./lazy"); },
};

function* items() { yield 1; }

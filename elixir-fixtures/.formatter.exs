[inputs: ["mix.exs", "lib/**/*.ex", "../interop/peer/*.ex"], line_length: 110]

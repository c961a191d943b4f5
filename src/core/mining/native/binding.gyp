{
  "targets": [
    {
      "target_name": "mining",
      "sources": ["kernel.c"],
      "cflags": ["-O3", "-std=gnu11", "-Wall"],
      "xcode_settings": { "OTHER_CFLAGS": ["-O3", "-std=gnu11", "-Wall"] }
    }
  ]
}

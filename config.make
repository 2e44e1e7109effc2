# nginx gives C and C++ one CFLAGS; what only C++ may have is added per object. Hidden visibility stays off the
# generated C file, whose ngx_modules nginx looks up with dlsym.

for herald_source in $herald_sources; do
    herald_folder=$(basename "$(dirname "$herald_source")")
    herald_object=$NGX_OBJS/addon/$herald_folder/$(basename "$herald_source" .cpp).o
    echo "$herald_object: CFLAGS += -std=c++20 -O2 -fvisibility=hidden" >> $NGX_MAKEFILE
done

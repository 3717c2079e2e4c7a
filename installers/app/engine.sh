#!/bin/sh
# Build llama.cpp, from the source package that requirements.lock pins, for every processor of this kind and not for this one.
#
#   sh installers/app/engine.sh            the engine                     -> build/engine/lib and build/engine/python
#   sh installers/app/engine.sh vulkan     the add-on for graphics cards  -> build/engine/vulkan/libggml-vulkan.so
#   sh installers/app/engine.sh cuda       the add-on for NVIDIA's        -> build/engine/cuda/libggml-cuda.so
#
# The engine is a few libraries and a module for each generation of processors, of which the best is chosen at run time. An add-on
# is a module of the same source that works beside them in the same folder; of another source it would not fit.
# build/engine/python is what Python needs of the package: its bindings, with the libraries where they look for them.
# Needed: CMake 3.21, a C++17 compiler, and for speed ninja; for vulkan also glslc, SPIRV-Headers and the Vulkan headers of 2024 or
# later (those of Debian 12 and Ubuntu 22.04 are too old: VULKAN_SDK=FOLDER names others, which lie in FOLDER/include); for cuda
# nothing more on Linux, where NVIDIA's compiler comes as cuda.lock pins it, and NVIDIA's CUDA toolkit 13.0 on Windows. The libraries
# of NVIDIA's that the module asks for are laid beside it, on both as pinned. It takes 10 to 40 minutes the first time, cuda hours:
# CUDA_ARCHITECTURES="75-virtual;90-real" compiles for fewer cards. NICE=19 and JOBS=1 leave room for others.
set -eu
cd "$(dirname "$0")/../.."
. installers/app/tools.sh

addon=${1:-}
case "$addon" in "" | vulkan | cuda) ;; *) stop "there is no add-on $addon, only vulkan and cuda" ;; esac
command -v cmake >/dev/null || stop "cmake is needed to compile the engine"
engine=$PWD/build/engine
name=llama_cpp_python-$(sed -n 's/^llama-cpp-python==\([^ ]*\).*/\1/p' requirements.lock)
source=$engine/source/$name

# The source package, by the hash that requirements.lock has for it.
if [ ! -d "$source" ]; then
    tools
    rm -rf "$engine/source" "$engine"/build*
    mkdir -p "$engine/source"
    awk '/^llama-cpp-python==/ { on = 1 } on && /^ *#/ { exit } on' requirements.lock >"$engine/source/llama.lock"
    "$TOOLS" -m pip download --quiet --no-deps --no-binary :all: --require-hashes -r "$engine/source/llama.lock" -d "$engine/source" ||
        stop "the source of llama.cpp could not be fetched; the reason is above"
    mkdir "$engine/source/new" # moved when it is whole
    tar -xzf "$engine/source/$name.tar.gz" -C "$engine/source/new"
    mv "$engine/source/new/$name" "$source"
fi

# NVIDIA's compiler and libraries. The first version of CUDA 13, as what it compiles for cards yet to come is compiled to the end
# by the driver, and a driver takes it from no newer version than its own.
if [ "$addon" = cuda ]; then
    toolkit=$engine/toolkit/nvidia/cu13
    pinned=$(cksum <installers/app/cuda.lock)
    if [ "$(cat "$engine/toolkit/complete" 2>/dev/null || true)" != "$pinned" ]; then
        tools
        rm -rf "$engine/toolkit"
        say "fetching NVIDIA's compiler and libraries (once)"
        "$TOOLS" -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --only-binary :all: --require-hashes \
            --target "$engine/toolkit" -r installers/app/cuda.lock || stop "NVIDIA's compiler could not be fetched; the reason is above"
        # Those packages are for programs that run: the names that a linker asks for are missing, and the driver's library, which
        # lies on computers with such a card alone. It is linked against one that has its functions in name only.
        if [ "$(uname -s)" = Linux ]; then
            for library in cudart cublas cublasLt; do ln -s lib$library.so.13 "$toolkit/lib/lib$library.so"; done
            ln -s lib "$toolkit/lib64"
            mkdir "$toolkit/lib/stubs"
            grep -rhoE '\bcu(Ctx|Device|Get|Mem|Pointer)[A-Z][A-Za-z]*' "$source/vendor/llama.cpp/ggml/src/ggml-cuda" | sort -u |
                sed 's/.*/void &(void) {}/' | cc -shared -Wl,-soname,libcuda.so.1 -o "$toolkit/lib/stubs/libcuda.so" -x c -
        fi
        echo "$pinned" >"$engine/toolkit/complete"
    fi
fi

# The same way to this folder in every build, so that messages of the engine name no folder of whoever built it. Git is shut
# out: it would put the commit of Alcove for that of llama.cpp.
prefix="-ffile-prefix-map=$source/vendor/llama.cpp=llama.cpp -ffile-prefix-map=$engine=engine"
set -- -S "$source/vendor/llama.cpp" -B "$engine/build$addon" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON \
    -DGGML_NATIVE=OFF -DGGML_BACKEND_DL=ON -DLLAMA_BUILD_COMMON=OFF -DLLAMA_BUILD_MTMD=ON -DLLAMA_BUILD_TOOLS=OFF \
    -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_CURL=OFF -DGGML_CCACHE=OFF
command -v ninja >/dev/null && set -- "$@" -G Ninja
# On Linux the modules also look where the frozen program keeps libgomp, which not every system has: two folders up.
case "$(uname -s)" in
    Darwin) set -- "$@" -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON -DCMAKE_INSTALL_RPATH=@loader_path -DGGML_METAL=ON -DGGML_METAL_EMBED_LIBRARY=ON ;;
    Linux) set -- "$@" -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON "-DCMAKE_INSTALL_RPATH=\$ORIGIN;\$ORIGIN/../.." "-DCMAKE_C_FLAGS=$prefix" "-DCMAKE_CXX_FLAGS=$prefix" ;;
esac
case "$addon" in
    "") set -- "$@" -DGGML_CPU_ALL_VARIANTS=ON ;;
    # Of an add-on the processor's code is not needed.
    vulkan) set -- "$@" -DGGML_CPU=OFF -DGGML_VULKAN=ON ;;
    # For the cards that llama.cpp chooses, from Turing (2018) on. NCCL joins cards of several computers.
    cuda)
        set -- "$@" -DGGML_CPU=OFF -DGGML_CUDA=ON -DGGML_CUDA_NCCL=OFF
        [ -z "${CUDA_ARCHITECTURES:-}" ] || set -- "$@" "-DCMAKE_CUDA_ARCHITECTURES=$CUDA_ARCHITECTURES"
        # shellcheck disable=SC2086
        [ "$(uname -s)" != Linux ] || set -- "$@" "-DCUDAToolkit_ROOT=$toolkit" "-DCMAKE_CUDA_COMPILER=$toolkit/bin/nvcc" \
            "-DCMAKE_CUDA_FLAGS=$(printf ' -Xcompiler=%s' $prefix)"
        ;;
esac
say "configuring $name${addon:+ for $addon}"
mkdir -p "$engine"
GIT_DIR=/dev/null cmake "$@" >"$engine/configure$addon.log" 2>&1 ||
    stop "CMake could not configure it: see $engine/configure$addon.log"

if [ -n "$addon" ]; then
    targets=ggml-$addon
else
    # All but the one with AMX, which ends the process on virtual machines that announce it (desktop/engine/llama.py). The library
    # ggml waits for all modules, so it is compiled, too, where CMake makes it a part; it is only not taken along.
    targets="llama mtmd"
fi
say "compiling: $targets"
# shellcheck disable=SC2086
nice -n "${NICE:-0}" cmake --build "$engine/build$addon" --config Release --parallel "${JOBS:-$(getconf _NPROCESSORS_ONLN)}" --target $targets \
    >"$engine/compile$addon.log" 2>&1 || stop "it could not be compiled: see the end of $engine/compile$addon.log"

built=$engine/build$addon/bin
[ -d "$built/Release" ] && built=$built/Release  # as Visual Studio lays it
if [ -n "$addon" ]; then
    rm -rf "${engine:?}/$addon"
    mkdir -p "$engine/$addon"
    cp "$built"/*ggml-"$addon".* "$engine/$addon/"
    [ "$(uname -s)" != Linux ] || strip --strip-unneeded "$engine/$addon"/*ggml-"$addon".so
    [ "$addon" != cuda ] || for library in cudart cublas cublasLt; do
        find "$toolkit" \( -name "lib$library.so.13" -o -name "${library}64_13.dll" \) -exec cp {} "$engine/cuda/" \;
    done
    say "the add-on is in build/engine/$addon"
    exit 0
fi

# Links stay links: with a copy in the place of each, two of a library would be loaded, and models would be computed by the one
# that knows no modules.
rm -rf "$engine/new"
mkdir -p "$engine/new/lib" "$engine/new/python/llama_cpp"
find "$built" \( -name '*.so*' -o -name '*.dylib' -o -name '*.dll' \) ! -name '*sapphirerapids*' -exec cp -a {} "$engine/new/lib/" \;
[ "$(uname -s)" != Linux ] || find "$engine/new/lib" -type f -exec strip --strip-unneeded {} +

# Of the package the bindings only: the rest would ask for numpy.
package=$source/llama_cpp
for file in _ctypes_extensions _ggml llama_cpp mtmd_cpp; do cp "$package/$file.py" "$engine/new/python/llama_cpp/"; done
: >"$engine/new/python/llama_cpp/__init__.py"
information=$engine/new/python/$name.dist-info
mkdir "$information"
cp "$source/PKG-INFO" "$information/METADATA"
cp "$source/LICENSE.md" "$information/"
cp "$source/vendor/llama.cpp/LICENSE" "$information/LICENSE-llama.cpp"
(cd "$engine/new/python" && find . -type f | LC_ALL=C sort | sed 's|^\./||; s|$|,,|') >"$engine/new/RECORD"
mv "$engine/new/RECORD" "$information/"
ln -s ../../lib "$engine/new/python/llama_cpp/lib" 2>/dev/null || cp -a "$engine/new/lib" "$engine/new/python/llama_cpp/lib"
rm -rf "${engine:?}/lib" "$engine/python"
mv "$engine/new/lib" "$engine/new/python" "$engine/"
rmdir "$engine/new"
say "the engine is in build/engine/lib"

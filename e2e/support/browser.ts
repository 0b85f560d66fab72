const common = ['--headless=new', '--no-sandbox', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** WebGPU without a GPU: the browser's software adapter. Without these there is no adapter at all. */
export const softwareGpu = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan,WebGPU'];

/** A real Chromium: the one that the set-up found, else Debian's. */
export function launch(args: string[] = []) {
  return { executablePath: process.env.MTOR_CHROMIUM ?? '/usr/bin/chromium', args: [...common, ...args] };
}
